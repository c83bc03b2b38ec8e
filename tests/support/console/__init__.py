"""The app of the API and the console in the process of the test, asked without a server."""
