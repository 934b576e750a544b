pytest_plugins = ["bus.testing.plugin"]
