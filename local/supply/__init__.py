"""What the images and set-up install from others: locks, their audit, and the images' bills of materials."""
