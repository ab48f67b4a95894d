"""Deploys the stack: into an account (`make deploy`), or whole into an engine on this machine (`make deploy-local`)."""
