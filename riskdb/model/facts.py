"""The closed list of what an observation may state, by fact name. All values are text.

Cards match on these names, identity reads keys from them, and `is_fact_name` refuses any other at the border.
What is personal is not in the list: sysContact and user names have no fact name, so they cannot be stored.
"""

import re

# SNMP: system group (RFC 3418), ENTITY-MIB chassis (RFC 6933), Printer-MIB (RFC 3805), UPS-MIB (RFC 1628),
# HOST-RESOURCES-MIB (RFC 2790).
SNMP_SYS_DESCR = "snmp.sys_descr"
SNMP_SYS_OBJECT_ID = "snmp.sys_object_id"  # dotted, no leading dot
SNMP_SYS_NAME = "snmp.sys_name"
SNMP_SYS_LOCATION = "snmp.sys_location"
SNMP_SYS_SERVICES = "snmp.sys_services"
SNMP_ENGINE_ID = "snmp.engine_id"  # lower-case hex; identifies the SNMP engine (RFC 3411 section 5)
SNMP_ENT_DESCR = "snmp.ent_descr"
SNMP_ENT_NAME = "snmp.ent_name"
SNMP_ENT_MANUFACTURER = "snmp.ent_manufacturer"
SNMP_ENT_MODEL = "snmp.ent_model"
SNMP_ENT_SERIAL = "snmp.ent_serial"
SNMP_ENT_HARDWARE = "snmp.ent_hardware"
SNMP_ENT_FIRMWARE = "snmp.ent_firmware"
SNMP_ENT_SOFTWARE = "snmp.ent_software"
SNMP_IF_MAC = "snmp.if_mac"  # ifPhysAddress of the lowest interface that has one
SNMP_HR_DEVICE = "snmp.hr_device"  # hrDeviceDescr of the first device
SNMP_BRIDGE_PORTS = "snmp.bridge_ports"  # how many ports its BRIDGE-MIB counts: it switches (RFC 4188)
SNMP_HR_PRINTER = "snmp.hr_printer"  # hrDeviceDescr of the first device of type hrDevicePrinter
SNMP_PRT_NAME = "snmp.prt_name"
SNMP_PRT_SERIAL = "snmp.prt_serial"
SNMP_UPS_MANUFACTURER = "snmp.ups_manufacturer"
SNMP_UPS_MODEL = "snmp.ups_model"
SNMP_UPS_FIRMWARE = "snmp.ups_firmware"
SNMP_PROBE_SOFTWARE = "snmp.probe_software"  # probeSoftwareRev of RMON2 (RFC 4502)
SNMP_SELF_PREFIX = "snmp.self."  # plus the rest of an OID below the device's sysObjectID, asked for by a card
SNMP_OID_PREFIX = "snmp.oid."  # plus a dotted OID: a value that a card asks for by OID

# mDNS and DNS-SD (RFC 6762, 6763).
MDNS_SERVICE = "mdns.service"  # _http._tcp
MDNS_INSTANCE = "mdns.instance"
MDNS_HOST = "mdns.host"
MDNS_PORT = "mdns.port"
MDNS_TXT_PREFIX = "mdns.txt."  # plus the TXT key in lower case

# Rows of a switch's or router's tables: who said it, and where the device was seen.
SEEN_BY_ADDRESS = "seen_by.address"
SEEN_BY_NAME = "seen_by.name"
SEEN_BY_PORT = "seen_by.port"  # ifName, else ifDescr, else the index
BRIDGE_VLAN = "bridge.vlan"
LLDP_CHASSIS = "lldp.chassis"
LLDP_PORT = "lldp.port"
LLDP_SYS_NAME = "lldp.sys_name"
LLDP_SYS_DESCR = "lldp.sys_descr"

# Other discovery traffic, heard or read from captures.
DHCP_HOSTNAME = "dhcp.hostname"
DHCP_VENDOR_CLASS = "dhcp.vendor_class"
DHCP_PARAMETERS = "dhcp.parameters"  # option 55 as decimal numbers with commas
SSDP_SERVER = "ssdp.server"
SSDP_USN = "ssdp.usn"
SSDP_ST = "ssdp.st"
HTTP_SERVER = "http.server"
DICOM_AE_TITLE = "dicom.ae_title"
DICOM_IMPLEMENTATION_UID = "dicom.implementation_uid"
DICOM_IMPLEMENTATION_VERSION = "dicom.implementation_version"
HL7_SENDING_APPLICATION = "hl7.sending_application"
HL7_SENDING_FACILITY = "hl7.sending_facility"
BACNET_VENDOR = "bacnet.vendor"
BACNET_MODEL = "bacnet.model"
BACNET_OBJECT_NAME = "bacnet.object_name"

# A line of an imported list (CMMS, spreadsheet): what people declare about a device.
IMPORT_SOURCE = "import.source"  # file name and line, for the evidence
IMPORT_ASSET_TAG = "import.asset_tag"
IMPORT_NAME = "import.name"
IMPORT_DEVICE_TYPE = "import.device_type"  # a device type of the knowledge pack
IMPORT_MANUFACTURER = "import.manufacturer"
IMPORT_MODEL = "import.model"
IMPORT_FIRMWARE = "import.firmware"
IMPORT_SERIAL = "import.serial"
IMPORT_UDI_DI = "import.udi_di"
IMPORT_HOSTNAME = "import.hostname"
IMPORT_UNIT = "import.unit"
IMPORT_ROOM = "import.room"
IMPORT_STATUS = "import.status"  # in_service, spare, retired

NAMES: frozenset[str] = frozenset(
    value
    for name, value in list(globals().items())
    if name.isupper() and isinstance(value, str) and not name.endswith("_PREFIX")
)
_PREFIXED = re.compile(r"snmp\.(oid|self)\.[0-9]+(\.[0-9]+){1,40}|mdns\.txt\.[!-<>-~]{1,64}")


def is_fact_name(name: str) -> bool:
    """Whether an observation may state a fact of this name."""
    return name in NAMES or _PREFIXED.fullmatch(name) is not None
