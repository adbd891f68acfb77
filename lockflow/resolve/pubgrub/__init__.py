"""The PubGrub algorithm over packages that are numbers; it knows neither Python packaging nor I/O.

Follows the published description (https://nex3.medium.com/pubgrub-2fb6470504f) in the variant of the Rust library
that uv uses, since between several valid solutions the details decide which one is found.
"""
