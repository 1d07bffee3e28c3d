"""The HTTP API under /v1: typed JSON over a Desk. Access is decided by the site it is mounted in."""
