"""Room 3: what fits together. Takes a Manifest and, fact by fact, Listings and Metadata; hands on a Resolution."""
