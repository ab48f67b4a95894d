"""The console in a real browser, against a real service. Run by `make test-browser`, in an environment of its own."""
