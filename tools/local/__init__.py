"""The local service: the deployed API's routes, functions and tables on this machine, from template.yaml."""
