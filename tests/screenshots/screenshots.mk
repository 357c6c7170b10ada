##@ Look at it
.PHONY: screenshots
screenshots: setup ## a picture of every page, light and dark, on a desk and a phone, in build/screenshots
	@.venv/bin/python -m tests.screenshots
