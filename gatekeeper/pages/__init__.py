"""What the visitor and the operator look at."""
