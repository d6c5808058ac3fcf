"""Conformance tests run against the whole product."""

from tests.product.conftest import product, simulator, start_product

__all__ = ["product", "simulator", "start_product"]
