"""Servers that speak each venue's own protocol, so that the product can be tried with no account anywhere.

``SIMULATED`` names, for every simulator, the variables that point the product at another server: when one of them is set,
no simulator is started for that venue. ``MODULES`` says where each one's ``run(options)`` is.
"""

SIMULATED: dict[str, tuple[str, ...]] = {
    "tradovate": ("TRADOVATE_API_URL", "TRADOVATE_DEMO_URL"),
}

MODULES: dict[str, str] = {
    "tradovate": "brokers.simulators.tradovate",
}
