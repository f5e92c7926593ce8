"""What tests share; the `guard_*` modules are pytest plugins that conftest.py loads."""
