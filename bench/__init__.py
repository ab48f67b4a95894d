"""What a callback costs, beside what one would write instead. `make bench` runs it; nothing here is deployed."""
