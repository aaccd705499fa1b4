"""A bundle's vectors in a vector database: searched by a user's vector, with filters."""
