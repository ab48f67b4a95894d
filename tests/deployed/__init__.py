"""What is deployed: the layer and the functions as built, under Lambda's runtime; the stack in an engine; `sam local`."""
