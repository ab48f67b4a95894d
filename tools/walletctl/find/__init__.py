"""A win, wherever it is: on record, left for a person, waiting for another try, refused, or never received."""
