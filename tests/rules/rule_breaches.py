"""How each rule is broken, on the full example, and how the example becomes a re-export that breaks none."""

from lxml import etree

from gateway.xml.names import PREFIXES, RAM21, UDT21

DOCUMENT = "sps:SPSExchangedDocument"
CONSIGNMENT = "sps:SPSConsignment"
LINE = f"{CONSIGNMENT}/ram:IncludedSPSConsignmentItem/ram:IncludedSPSTradeLineItem"


def drop(*paths):
    def change(root):
        found = [element for path in paths for element in root.xpath(path, namespaces=PREFIXES)]
        assert found, paths
        for element in found:
            element.getparent().remove(element)

    return change


def write(path, text, *, attribute=""):
    def change(root):
        element = root.xpath(path, namespaces=PREFIXES)[0]
        if attribute:
            element.set(attribute, text)
        else:
            for child in list(element):
                element.remove(child)
            element.text = text

    return change


def unname(path, attribute):
    def change(root):
        del root.xpath(path, namespaces=PREFIXES)[0].attrib[attribute]

    return change


def both(*changes):
    def change(root):
        for each in changes:
            each(root)

    return change


def add(path, *markup):
    """Elements, written without prefixes, at the end of the first element at the path."""

    def change(root):
        for text in markup:
            made = etree.fromstring(f'<x xmlns="{RAM21}" xmlns:udt="{UDT21}">{text}</x>')
            root.xpath(path, namespaces=PREFIXES)[0].extend(made)

    return change


def note(subject):
    return f"ram:*[ram:Subject='{subject}']"


def note_of(kind, subject, content):
    return f"<{kind}><Subject>{subject}</Subject><Content>{content}</Content></{kind}>"


def of_document(subject, content):
    return add(DOCUMENT, note_of("IncludedSPSNote", subject, content))


def of_line(subject, content):
    return add(LINE, note_of("AdditionalInformationSPSNote", subject, content))


ORIGINAL = "CL-EX-2026-77120"
"""The original certificate that the full example cites."""


def re_export(root):
    """Every line of the full example is re-exported on the strength of one original."""
    write(f"{DOCUMENT}/ram:TypeCode", "657")(root)
    boxes = {"RPCST": "1", "RPCCO": "CL", "RPCRF": ORIGINAL, "RPCOR": "True", "RPCPK": "True", "RPCOC": "True"}
    for number, line in enumerate(root.xpath(LINE, namespaces=PREFIXES), start=1):
        if not line.xpath("ram:*[ram:Subject='RPCST']", namespaces=PREFIXES):
            for subject, content in (boxes | {"RPCPC": "True"}).items():
                text = note_of("AdditionalInformationSPSNote", subject, content)
                add(f"({LINE})[{number}]", text)(root)


def of_re_export(*changes):
    return both(re_export, *changes)


TREATMENT = f"({LINE}/ram:AppliedSPSProcess)[1]"
"""By dipping: chemical, with dates, duration, temperature and concentration."""


def characteristic(tag):
    return f"{TREATMENT}/ram:ApplicableSPSProcessCharacteristic[ram:Description='{tag}']"


def without_original(root):
    write(f"{DOCUMENT}/ram:TypeCode", "657")(root)
    for path in (f"{DOCUMENT}/ram:ReferenceSPSReferencedDocument", "//ram:*[starts-with(ram:Subject,'RPC')]"):
        for element in root.xpath(path, namespaces=PREFIXES):
            element.getparent().remove(element)


BREACHES = {
    "SPS-NUMBER": write(f"{DOCUMENT}/ram:ID", " "),
    "SPS-TYPE": drop(f"{DOCUMENT}/ram:TypeCode"),
    "SPS-STATUS": write(f"{DOCUMENT}/ram:StatusCode", ""),
    "SPS-STATUS-KNOWN": write(f"{DOCUMENT}/ram:StatusCode", "7"),
    "SPS-ISSUE-DATE": drop(f"{DOCUMENT}/ram:IssueDateTime"),
    "SPS-ISSUE-DATE-FORM": write(f"{DOCUMENT}/ram:IssueDateTime/*", "22/04/2026"),
    "SPS-ISSUE-FUTURE": write(f"{DOCUMENT}/ram:IssueDateTime/*", "2026-11-24T00:00:00Z"),
    "SPS-ISSUER": drop(f"{DOCUMENT}/ram:IssuerSPSParty/ram:Name"),
    "SPS-COUNTRY-OF-EXPORT": drop(f"{CONSIGNMENT}/ram:ExportSPSCountry/ram:ID"),
    "SPS-COUNTRY-OF-IMPORT": write(f"{CONSIGNMENT}/ram:ImportSPSCountry/ram:ID", ""),
    "SPS-COUNTRY-CODE": write(f"{LINE}/ram:OriginSPSCountry/ram:ID", "QQ"),
    "SPS-COUNTRY-SPELLING": write(f"{CONSIGNMENT}/ram:TransitSPSCountry/ram:ID", "EL"),
    "SPS-LINE": drop(LINE),
    "SPS-LINE-NUMBER": write(f"{LINE}/ram:SequenceNumeric", "first"),
    "SPS-LINE-UNIQUE": write(f"({LINE}/ram:SequenceNumeric)[2]", "1"),
    "SPS-QUANTITY": write(f"{LINE}/ram:NetWeightMeasure", "-1"),
    "SPS-UNIT": unname(f"{LINE}/ram:NetWeightMeasure", "unitCode"),
    "SPS-NET-GROSS": write(f"{LINE}/ram:NetWeightMeasure", "999999"),
    "SPS-ATTACHMENT-NAME": unname("//ram:AttachmentBinaryObject[@filename]", "filename"),
    "SPS-ATTACHMENT-EMPTY": write("//ram:AttachmentBinaryObject", None),
    "SPS-REPLACES": both(
        write(f"{DOCUMENT}/ram:StatusCode", "44"),
        drop(f"{DOCUMENT}/ram:ReferenceSPSReferencedDocument", f"{DOCUMENT}/{note('ADRPN')}"),
    ),
    "SPS-NULL": write(f"{CONSIGNMENT}/ram:ConsignorSPSParty/ram:Name", "NULL"),
    "EPHYTO-TYPE": write(f"{DOCUMENT}/ram:TypeCode", "853"),
    "EPHYTO-STATUS": write(f"{DOCUMENT}/ram:StatusCode", "97"),
    "EPHYTO-ISSUER": drop(f"{DOCUMENT}/ram:IssuerSPSParty"),
    "EPHYTO-IMPORT-COUNTRY": drop(f"{CONSIGNMENT}/ram:ImportSPSCountry"),
    "EPHYTO-EXPORTER": drop(f"{CONSIGNMENT}/ram:ConsignorSPSParty/ram:Name"),
    "EPHYTO-EXPORTER-ADDRESS": drop(f"{CONSIGNMENT}/ram:ConsignorSPSParty/ram:SpecifiedSPSAddress"),
    "EPHYTO-CONSIGNEE": drop(f"{CONSIGNMENT}/ram:ConsigneeSPSParty/ram:Name"),
    "EPHYTO-CONSIGNEE-ADDRESS": drop(f"{CONSIGNMENT}/ram:ConsigneeSPSParty/ram:SpecifiedSPSAddress"),
    "EPHYTO-PACKAGES": drop(f"{LINE}/ram:PhysicalSPSPackage", f"{LINE}/{note('OPTND')}"),
    "EPHYTO-MARKS": drop(f"//{note('DMCL')}", f"//{note('DMTLIL')}", "//ram:PhysicalSPSShippingMarks"),
    "EPHYTO-ORIGIN": drop(f"{LINE}/ram:OriginSPSCountry", f"{LINE}/{note('RPCCO')}"),
    "EPHYTO-CONVEYANCE": drop(f"{CONSIGNMENT}/ram:MainCarriageSPSTransportMovement"),
    "EPHYTO-POINT-OF-ENTRY": drop(f"{CONSIGNMENT}/ram:UnloadingBaseportSPSLocation"),
    "EPHYTO-PRODUCE": drop(f"{LINE}/ram:Description", f"{LINE}/ram:CommonName", f"{LINE}//ram:ClassName"),
    "EPHYTO-QUANTITY": drop(
        f"{LINE}/ram:NetWeightMeasure|{LINE}/ram:GrossWeightMeasure|{LINE}/ram:PhysicalSPSPackage|{LINE}/{note('OQV')}",
        f"{LINE}/ram:NetVolumeMeasure|{LINE}/ram:GrossVolumeMeasure|{LINE}/{note('OQU')}",
    ),
    "EPHYTO-BOTANICAL-NAME": write(f"{LINE}/ram:ScientificName", ""),
    "EPHYTO-CERTIFYING-STATEMENT": drop(f"{DOCUMENT}//ram:IncludedSPSClause"),
    "EPHYTO-DECLARATION-EMPTY": write(f"{DOCUMENT}/{note('ADEDL')}/ram:Content", ""),
    "EPHYTO-TREATMENT-DATES": write("//ram:CompletionSPSPeriod/ram:EndDateTime/*", "2001-01-01"),
    "EPHYTO-TREATMENT-KIND": drop(f"({LINE}/ram:AppliedSPSProcess[ram:CompletionSPSPeriod])[1]//ram:Description"),
    "EPHYTO-PLACE-OF-ISSUE": drop(f"{DOCUMENT}//ram:IssueSPSLocation"),
    "EPHYTO-OFFICER": drop(f"{DOCUMENT}/ram:SignatorySPSAuthentication/ram:ProviderSPSParty"),
    "EPHYTO-SIGNED-FUTURE": write("//ram:ActualDateTime/*", "2030-01-01T00:00:00Z"),
    "EPHYTO-REEXPORT-ORIGINAL": without_original,
    "EPHYTO-REEXPORT-ORIGIN": both(without_original, drop(f"{LINE}/ram:OriginSPSCountry")),
    "EPHYTO-REEXPORT-COPY": without_original,
    "EPHYTO-ORIGIN-REGION": drop(f"({LINE})[1]//ram:SubordinateSPSCountrySubDivision/ram:Name"),
    "EPHYTO-BOTANICAL-FORM": write(f"{LINE}/ram:ScientificName", "lemons"),
    "EPHYTO-COMMODITY-CLASS": drop(f"({LINE})[1]/ram:ApplicableSPSClassification"),
    "EPHYTO-QUANTITY-ZERO": both(
        drop(f"{LINE}/*[@unitCode='MTQ']", f"({LINE})[1]/ram:PhysicalSPSPackage"),
        write(f"{LINE}/ram:NetWeightMeasure", "0"),
        write(f"{LINE}/ram:GrossWeightMeasure", "0.00"),
    ),
    "EPHYTO-NET-GROSS-VOLUME": write(f"{LINE}/ram:NetVolumeMeasure", "999999"),
    "EPHYTO-OTHER-QUANTITY": drop(f"{LINE}/{note('OQU')}"),
    "EPHYTO-PACKAGE-KIND": drop(f"({LINE})[1]/ram:PhysicalSPSPackage[1]/ram:TypeCode"),
    "EPHYTO-PACKAGE-COUNT": drop(f"({LINE})[1]/ram:PhysicalSPSPackage[1]/ram:ItemQuantity"),
    "EPHYTO-INSPECTION-FUTURE": write(f"{LINE}/{note('ADDITLIL')}/ram:Content", "2027-01-05"),
    "EPHYTO-REPLACED-NUMBER": drop(f"{DOCUMENT}/{note('ADRPN')}"),
    "EPHYTO-REPLACES-ITSELF": write(f"{DOCUMENT}/{note('ADRPN')}/ram:Content", "AR-EX-2026-0004711"),
    "EPHYTO-REPLACED-DATE": write(f"{DOCUMENT}/{note('ADRD')}/ram:Content", "2026-09-15"),
    "EPHYTO-REPLACEMENT-REASON": drop(f"{DOCUMENT}/{note('ADRPR')}"),
    "EPHYTO-TREATMENT-VALUE": drop(f"{characteristic('TTAI')}/ram:Description[2]"),
    "EPHYTO-TREATMENT-TEMPERATURE": write(f"{characteristic('TTTM')}/ram:ValueMeasure", "KGM", attribute="unitCode"),
    "EPHYTO-TREATMENT-CONCENTRATION": write(f"{characteristic('TTCO')}/ram:ValueMeasure", "strong"),
    "EPHYTO-TREATMENT-LEVEL": drop(characteristic("TTL1")),
    "EPHYTO-TREATMENT-CHEMICAL": drop(characteristic("TTCH"), characteristic("TTFT")),
    "EPHYTO-TREATMENT-DOSE": drop(characteristic("TTCO"), characteristic("TTFT")),
    "EPHYTO-TREATMENT-DATE": drop(f"{TREATMENT}/ram:CompletionSPSPeriod/*[position()<3]"),
    "EPHYTO-TREATMENT-DATE-FORM": write(f"{TREATMENT}//ram:StartDateTime/*", "12/09/2026"),
    "EPHYTO-TREATMENT-DURATION": drop(f"{TREATMENT}//ram:DurationMeasure", f"{TREATMENT}//ram:EndDateTime"),
    "EPHYTO-TREATMENT-DURATION-FORM": write(f"{TREATMENT}//ram:DurationMeasure", "CEL", attribute="unitCode"),
    "EPHYTO-SIGNED-FORM": write(f"{DOCUMENT}//ram:ActualDateTime/*", "14 September"),
    "EPHYTO-STATEMENT-NUMBER": write(f"{DOCUMENT}//ram:IncludedSPSClause/ram:ID", "first"),
    "EPHYTO-CONVEYANCE-MODE": drop(f"{CONSIGNMENT}/ram:MainCarriageSPSTransportMovement[2]/ram:ModeCode"),
    "EPHYTO-REFERENCE-EMPTY": drop(
        *(f"{DOCUMENT}/ram:ReferenceSPSReferencedDocument[1]/ram:{name}" for name in ("ID", "AttachmentBinaryObject"))
    ),
    "EPHYTO-REEXPORT-ITSELF": of_re_export(
        write(f"{DOCUMENT}/ram:ReferenceSPSReferencedDocument[ram:TypeCode]/ram:ID", "AR-EX-2026-0004711"),
        write(f"{DOCUMENT}/ram:ReferenceSPSReferencedDocument/ram:TypeCode", "657"),
    ),
    "EPHYTO-REEXPORT-ORIGINAL-TYPE": of_re_export(
        write(f"{DOCUMENT}/ram:ReferenceSPSReferencedDocument/ram:TypeCode", "853")
    ),
    "EPHYTO-REEXPORT-AGREES": of_re_export(write(f"{LINE}/{note('RPCRF')}/ram:Content", "CL-EX-1999-1")),
    "EPHYTO-REEXPORT-STATEMENT": of_re_export(drop(f"({LINE})[1]/{note('RPCST')}")),
    "EPHYTO-REEXPORT-BASIS": of_re_export(drop(f"({LINE})[1]/{note('RPCPC')}")),
    "EPHYTO-REEXPORT-PACKING": of_re_export(drop(f"({LINE})[1]/{note('RPCPK')}")),
    "EPHYTO-REEXPORT-CONTAINERS": of_re_export(drop(f"({LINE})[1]/{note('RPCOC')}")),
    "EPHYTO-REEXPORT-TICKS": of_re_export(write(f"{LINE}/{note('RPCOC')}/ram:Content", "perhaps")),
}
