"""Waybill: reports that take minutes, behind an API that answers in milliseconds, each in one trace."""
