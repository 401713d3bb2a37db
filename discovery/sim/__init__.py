"""The practice hospital: pretend devices that speak the real protocols on loopback, with the truth beside them."""
