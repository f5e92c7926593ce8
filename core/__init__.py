"""Everything that is true without a window, from values at the bottom to the engine at the top.

A room imports only rooms below it; ARCHITECTURE.md lists them, pyproject.toml enforces the order.
"""
