"""The routes, in a module for each part of the API."""
