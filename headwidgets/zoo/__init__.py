"""The bundled models: small enough to travel with the package, so that no network is needed."""
