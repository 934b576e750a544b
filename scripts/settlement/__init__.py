"""The provider's settlement report, from its file to payments: `trueup settle`."""
