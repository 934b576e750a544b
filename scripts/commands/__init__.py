"""The commands of `trueup`, one group a file."""
