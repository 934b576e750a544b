"""The runtime of views: workers that fold streams into rows, stores, and queries."""
