"""Broken, odd and hostile input for all that reads what others send: `make fuzz`, docs/contributing.md.

`targets` has the table of what is tried; `running` tries it; `choices` and `mutation` make the input.
"""
