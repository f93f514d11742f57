"""The same app one migration later."""
