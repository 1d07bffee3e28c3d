"""From a workspace's configuration to the running system."""
