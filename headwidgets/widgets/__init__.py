"""What a notebook shows: each widget wires a session to a browser and does no mathematics."""
