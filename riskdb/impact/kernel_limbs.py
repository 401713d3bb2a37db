"""Whole numbers of any length as rows of 32-bit limbs, lowest first, each in a 64-bit word. Compiled; all exact."""

from numpy import uint64

from riskdb.impact.kernel_layout import LIMB_BITS, U64
from riskdb.impact.kernel_numba import part

LIMB_MASK = 2**LIMB_BITS - 1


@part
def add_product(total: U64, factor: int, number: U64) -> None:
    """total += factor x number, for a factor from 0 on that fits a word."""
    _add_limb_product(total, factor & LIMB_MASK, number, 0)
    if factor >> LIMB_BITS:
        _add_limb_product(total, factor >> LIMB_BITS, number, 1)


@part
def _add_limb_product(total: U64, factor: int, number: U64, shift: int) -> None:
    """Limb x limb + limb + carry is below 2**64: no bit is lost."""
    limb_factor, mask, bits = uint64(factor), uint64(LIMB_MASK), uint64(LIMB_BITS)
    carry = uint64(0)
    for i in range(len(total) - shift):
        word = total[i + shift] + limb_factor * number[i] + carry
        total[i + shift] = word & mask
        carry = word >> bits


@part
def clear(total: U64) -> None:
    """total = 0."""
    for i in range(len(total)):
        total[i] = 0


@part
def add(total: U64, number: U64) -> None:
    """total += number."""
    mask, bits = uint64(LIMB_MASK), uint64(LIMB_BITS)
    carry = uint64(0)
    for i in range(len(total)):
        word = total[i] + number[i] + carry
        total[i] = word & mask
        carry = word >> bits


@part
def raise_to(total: U64, number: U64) -> None:
    """total = the larger of total and number."""
    for i in range(len(total) - 1, -1, -1):
        if number[i] != total[i]:
            if number[i] > total[i]:
                for lower in range(i + 1):
                    total[lower] = number[lower]
            return
