"""producer-api: the HTTP edge of Waybill."""
