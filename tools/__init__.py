"""Tools for the operator's developers and staff. Nothing here is deployed."""
