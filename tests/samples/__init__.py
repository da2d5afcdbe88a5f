"""Records and requests as other systems send them."""
