"""What is deployed: layer and functions as built, under Lambda's runtime; the stack in an engine; `sam local`."""
