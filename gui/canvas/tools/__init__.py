"""What the pointer does on the canvas; each gesture is one function from press to release."""
