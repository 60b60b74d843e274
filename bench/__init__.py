"""How right and how fast Eventlens is, on named data. `./run bench` runs it."""
