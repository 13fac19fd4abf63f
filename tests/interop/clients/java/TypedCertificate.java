import interop.generated.*;
import java.math.BigDecimal;

/** The least that the schema asks of a certificate, in the classes that wsimport made. */
final class TypedCertificate {
    private TypedCertificate() {}

    static SPSCertificateType of(String issuerCountry, String typeCode, String number) {
        SPSCertificateType certificate = new SPSCertificateType();
        certificate.setSPSExchangedDocument(document(typeCode, number));
        certificate.setSPSConsignment(consignment(issuerCountry));
        return certificate;
    }

    private static SPSExchangedDocumentType document(String typeCode, String number) {
        SPSExchangedDocumentType document = new SPSExchangedDocumentType();
        TextType name = text("Phytosanitary certificate");
        name.setLanguageID("en");
        document.getName().add(name);
        IDType id = new IDType();
        id.setValue(number);
        document.setID(id);
        DocumentCodeType type = new DocumentCodeType();
        type.setValue(typeCode);
        document.setTypeCode(type);
        StatusCodeType status = new StatusCodeType();
        status.setValue("70");
        document.setStatusCode(status);
        document.setIssueDateTime(instant());
        document.setIssuerSPSParty(party("Servicio Fitosanitario de Ejemplo"));
        SPSAuthenticationType signatory = new SPSAuthenticationType();
        signatory.setActualDateTime(instant());
        signatory.setIssueSPSLocation(place());
        signatory.setProviderSPSParty(party("Servicio Fitosanitario de Ejemplo"));
        document.getSignatorySPSAuthentication().add(signatory);
        return document;
    }

    private static SPSConsignmentType consignment(String issuerCountry) {
        SPSConsignmentType consignment = new SPSConsignmentType();
        consignment.setConsignorSPSParty(party("Frutas Inventadas S.A."));
        consignment.setConsigneeSPSParty(party("Voorbeeld Fruit B.V."));
        consignment.setExportSPSCountry(country(issuerCountry, "Argentina"));
        consignment.setImportSPSCountry(country("NL", "Netherlands"));
        SPSEventType examination = new SPSEventType();
        examination.setOccurrenceSPSLocation(place());
        consignment.setExaminationSPSEvent(examination);
        SPSTransportMovementType carriage = new SPSTransportMovementType();
        TransportModeCodeType sea = new TransportModeCodeType();
        sea.setValue("1");
        carriage.setModeCode(sea);
        SPSTransportMeansType vessel = new SPSTransportMeansType();
        vessel.setName(text("MV Inventada"));
        carriage.setUsedSPSTransportMeans(vessel);
        consignment.getMainCarriageSPSTransportMovement().add(carriage);
        SPSConsignmentItemType item = new SPSConsignmentItemType();
        item.getIncludedSPSTradeLineItem().add(line());
        consignment.getIncludedSPSConsignmentItem().add(item);
        return consignment;
    }

    private static SPSTradeLineItemType line() {
        SPSTradeLineItemType line = new SPSTradeLineItemType();
        NumericType sequence = new NumericType();
        sequence.setValue(BigDecimal.ONE);
        line.setSequenceNumeric(sequence);
        line.getDescription().add(text("Fresh lemons & limes"));
        line.getScientificName().add(text("Citrus limon"));
        MeasureType weight = new MeasureType();
        weight.setValue(new BigDecimal("1250.5"));
        weight.setUnitCode("KGM");
        line.setNetWeightMeasure(weight);
        SPSPackageType cartons = new SPSPackageType();
        CodeType level = new CodeType();
        level.setValue("4");
        cartons.setLevelCode(level);
        PackageTypeCodeType kind = new PackageTypeCodeType();
        kind.setValue("CT");
        cartons.setTypeCode(kind);
        QuantityType hundred = new QuantityType();
        hundred.setValue(BigDecimal.valueOf(100));
        cartons.setItemQuantity(hundred);
        line.getPhysicalSPSPackage().add(cartons);
        return line;
    }

    private static TextType text(String value) {
        TextType text = new TextType();
        text.setValue(value);
        return text;
    }

    private static SPSPartyType party(String name) {
        SPSPartyType party = new SPSPartyType();
        party.setName(text(name));
        return party;
    }

    private static SPSLocationType place() {
        SPSLocationType place = new SPSLocationType();
        place.getName().add(text("Puerto Ejemplo"));
        return place;
    }

    private static SPSCountryType country(String code, String name) {
        SPSCountryType country = new SPSCountryType();
        CountryIDType id = new CountryIDType();
        id.setValue(code);
        country.setID(id);
        country.getName().add(text(name));
        return country;
    }

    private static DateTimeType instant() {
        FormattedStringType text = new FormattedStringType();
        text.setValue("2026-09-14T10:32:00-03:00");
        DateTimeType instant = new DateTimeType();
        instant.setDateTimeString(text);
        return instant;
    }
}
