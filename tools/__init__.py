"""Programs for developers; the application never imports them."""
