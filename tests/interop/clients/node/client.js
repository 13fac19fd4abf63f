// A client made by node `soap` from the WSDL that the gateway publishes; see ../README.md for arguments and output.
"use strict";

const fs = require("fs");
const soap = require("soap");

const [wsdl, username, identity, sealedFile, answerFile, version] = process.argv.slice(2);
const [issuerCountry, typeCode, number] = identity.split("/");
const document = { IssuerCountry: issuerCountry, TypeCode: typeCode, ID: number };
const say = (key, value) => process.stdout.write(`${key}=${value}\n`);

/** The least that the schema asks of a certificate, as plain objects named by the WSDL's own types. */
function typedCertificate() {
  const instant = { DateTimeString: "2026-09-14T10:32:00-03:00" };
  return {
    SPSExchangedDocument: {
      Name: [{ attributes: { languageID: "en" }, $value: "Phytosanitary certificate" }],
      ID: `${number}-TYPED`,
      TypeCode: typeCode,
      StatusCode: "70",
      IssueDateTime: instant,
      IssuerSPSParty: { Name: "Servicio Fitosanitario de Ejemplo" },
      SignatorySPSAuthentication: [
        {
          ActualDateTime: instant,
          IssueSPSLocation: { Name: ["Puerto Ejemplo"] },
          ProviderSPSParty: { Name: "Servicio Fitosanitario de Ejemplo" },
        },
      ],
    },
    SPSConsignment: {
      ConsignorSPSParty: { Name: "Frutas Inventadas S.A." },
      ConsigneeSPSParty: { Name: "Voorbeeld Fruit B.V." },
      ExportSPSCountry: { ID: issuerCountry, Name: ["Argentina"] },
      ImportSPSCountry: { ID: "NL", Name: ["Netherlands"] },
      ExaminationSPSEvent: { OccurrenceSPSLocation: { Name: ["Puerto Ejemplo"] } },
      MainCarriageSPSTransportMovement: [{ ModeCode: "1", UsedSPSTransportMeans: { Name: "MV Inventada" } }],
      IncludedSPSConsignmentItem: [
        {
          IncludedSPSTradeLineItem: [
            {
              SequenceNumeric: 1,
              Description: ["Fresh lemons & limes"],
              ScientificName: ["Citrus limon"],
              NetWeightMeasure: { attributes: { unitCode: "KGM" }, $value: "1250.5" },
              PhysicalSPSPackage: [{ LevelCode: "4", TypeCode: "CT", ItemQuantity: "100" }],
            },
          ],
        },
      ],
    },
  };
}

/** node `soap` gives simple content with attributes as {$value}, without them as the value alone. */
const text = (node) => (node !== null && typeof node === "object" ? node.$value : node);
const list = (node) => (node === undefined || node === null ? [] : [].concat(node));

async function main() {
  const client = await soap.createClientAsync(wsdl, { forceSoap12Headers: version === "1.2" });
  client.setSecurity(
    new soap.WSSecurity(username, process.env.IMSOC_SECRET, {
      passwordType: "PasswordDigest",
      hasNonce: true,
      hasTokenCreated: true,
      hasTimeStamp: true,
      mustUnderstand: true,
    }),
  );
  const service = client.CertificateExchangeService[version === "1.2" ? "CertificateExchangeSoap12" : "CertificateExchangeSoap11"];
  const call = (operation, request) =>
    new Promise((resolve, reject) =>
      service[operation](request, (error, result) => (error ? reject(error) : resolve(result))),
    );

  const typed = await call("ValidateCertificate", { SPSCertificate: typedCertificate() });
  say("typed.acceptable", typed.Acceptable);
  list(typed.Finding).forEach((finding) => say("typed.finding", finding.Rule));
  const translated = typed.Translation.SPSCertificate;
  say("typed.number", text(translated.SPSExchangedDocument.ID));
  say("typed.import", text(translated.SPSConsignment.ImportSPSCountry.ID));
  const lines = list(translated.SPSConsignment.IncludedSPSConsignmentItem).flatMap((item) => list(item.IncludedSPSTradeLineItem));
  const line = lines.find((each) => Number(text(each.SequenceNumeric)) === 1);
  say("typed.description", text(list(line.Description)[0]));
  say("typed.weight", `${Number(text(line.NetWeightMeasure))} ${line.NetWeightMeasure.attributes.unitCode}`);

  const sealed = fs.readFileSync(sealedFile).toString("base64");
  const verdict = await call("ValidateCertificate", { SealedDocument: sealed });
  say("sealed.acceptable", verdict.Acceptable);
  list(verdict.Finding).forEach((finding) => say("sealed.finding", finding.Rule));
  say("sealed.indication", verdict.SealVerdict.Indication);

  const submitted = await call("SubmitCertificate", { SealedDocument: sealed });
  const acknowledgement = submitted.SPSAcknowledgement.SPSAcknowledgementDocument;
  say("acknowledged.status", text(acknowledgement.StatusCode));
  say("acknowledged.document", text(list(acknowledgement.ReferenceSPSReferencedDocument)[0].ID));

  const read = await call("GetCertificate", { Document: document });
  say("read.status", read.StatusCode);
  say("read.masked", read.Masked);
  fs.writeFileSync(answerFile, Buffer.from(read.SealedDocument, "base64"));

  try {
    await call("GetCertificate", { Document: { ...document, ID: `${number}-UNKNOWN` } });
  } catch (error) {
    // SOAP 1.1 has detail, SOAP 1.2 Detail; both stand under root.Envelope.Body.Fault.
    const fault = error.root.Envelope.Body.Fault;
    const detail = (fault.detail || fault.Detail).GatewayFault;
    say("fault.code", detail.Code);
    say("fault.retry", detail.Retry);
  }
}

main().catch((error) => {
  console.error(error.body || error.stack);
  process.exit(1);
});
