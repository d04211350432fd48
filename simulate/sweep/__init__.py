"""One sweep: its scene is drawn, then rendered."""
