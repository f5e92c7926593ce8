"""What is seen and touched: the window and its parts, joined in `gui.app`.

`gui/x` and `core/x` that show the same thing share its noun.
"""
