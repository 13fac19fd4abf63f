<?php
// A client made by PHP's SoapClient from the WSDL that the gateway publishes; see ../README.md for arguments and output.
declare(strict_types=1);

[, $wsdl, $username, $identity, $sealedFile, $answerFile, $version] = $argv;
[$issuerCountry, $typeCode, $number] = explode('/', $identity);
$document = ['IssuerCountry' => $issuerCountry, 'TypeCode' => $typeCode, 'ID' => $number];

const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const DIGEST = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest';
const BASE64 = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary';

function say(string $key, mixed $value): void
{
    echo $key, '=', is_bool($value) ? ($value ? 'true' : 'false') : $value, "\n";
}

/** PHP has no WS-Security of its own: the header is written by hand, with a fresh nonce for every call. */
function security(string $username, string $secret): SoapHeader
{
    $nonce = random_bytes(16);
    $created = gmdate('Y-m-d\TH:i:s\Z');
    $expires = gmdate('Y-m-d\TH:i:s\Z', time() + 60);
    $password = base64_encode(sha1($nonce . $created . $secret, true));
    $xml = sprintf(
        '<wsse:Security xmlns:wsse="%s" xmlns:wsu="%s"><wsu:Timestamp><wsu:Created>%s</wsu:Created>'
        . '<wsu:Expires>%s</wsu:Expires></wsu:Timestamp><wsse:UsernameToken><wsse:Username>%s</wsse:Username>'
        . '<wsse:Password Type="%s">%s</wsse:Password><wsse:Nonce EncodingType="%s">%s</wsse:Nonce>'
        . '<wsu:Created>%s</wsu:Created></wsse:UsernameToken></wsse:Security>',
        WSSE, WSU, $created, $expires, htmlspecialchars($username, ENT_XML1), DIGEST, $password, BASE64,
        base64_encode($nonce), $created,
    );
    return new SoapHeader(WSSE, 'Security', new SoapVar($xml, XSD_ANYXML));
}

/**
 * The least that the schema asks of a certificate, as arrays named by the WSDL's own types.
 *
 * Each value is made where it stands: what PHP finds in two places it writes once, with a reference (enc:id, href)
 * from the other, even in document/literal, and no schema and no gateway accepts that.
 */
function typedCertificate(string $issuerCountry, string $typeCode, string $number): array
{
    $text = fn (string $value): array => ['_' => $value];
    $instant = fn (): array => ['DateTimeString' => $text('2026-09-14T10:32:00-03:00')];
    $authority = fn (): array => ['Name' => $text('Servicio Fitosanitario de Ejemplo')];
    return [
        'SPSExchangedDocument' => [
            'Name' => [['_' => 'Phytosanitary certificate', 'languageID' => 'en']],
            'ID' => $text("$number-TYPED"),
            'TypeCode' => $text($typeCode),
            'StatusCode' => $text('70'),
            'IssueDateTime' => $instant(),
            'IssuerSPSParty' => $authority(),
            'SignatorySPSAuthentication' => [[
                'ActualDateTime' => $instant(),
                'IssueSPSLocation' => ['Name' => [$text('Puerto Ejemplo')]],
                'ProviderSPSParty' => $authority(),
            ]],
        ],
        'SPSConsignment' => [
            'ConsignorSPSParty' => ['Name' => $text('Frutas Inventadas S.A.')],
            'ConsigneeSPSParty' => ['Name' => $text('Voorbeeld Fruit B.V.')],
            'ExportSPSCountry' => ['ID' => $text($issuerCountry), 'Name' => [$text('Argentina')]],
            'ImportSPSCountry' => ['ID' => $text('NL'), 'Name' => [$text('Netherlands')]],
            'ExaminationSPSEvent' => ['OccurrenceSPSLocation' => ['Name' => [$text('Puerto Ejemplo')]]],
            'MainCarriageSPSTransportMovement' => [[
                'ModeCode' => $text('1'), 'UsedSPSTransportMeans' => ['Name' => $text('MV Inventada')],
            ]],
            'IncludedSPSConsignmentItem' => [[
                'IncludedSPSTradeLineItem' => [[
                    'SequenceNumeric' => 1,
                    'Description' => [$text('Fresh lemons & limes')],
                    'ScientificName' => [$text('Citrus limon')],
                    'NetWeightMeasure' => ['_' => '1250.5', 'unitCode' => 'KGM'],
                    'PhysicalSPSPackage' => [[
                        'LevelCode' => $text('4'), 'TypeCode' => $text('CT'), 'ItemQuantity' => $text('100'),
                    ]],
                ]],
            ]],
        ],
    ];
}

/** PHP gives simple content with attributes as an object with member `_`. */
function text(mixed $node): string
{
    return (string) (is_object($node) ? $node->_ : $node);
}

$client = new SoapClient($wsdl, [
    'soap_version' => $version === '1.2' ? SOAP_1_2 : SOAP_1_1,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
    'exceptions' => true,
]);
$secret = getenv('IMSOC_SECRET');
$call = fn (string $operation, array $request): object =>
    $client->__soapCall($operation, [$request], null, security($username, $secret));

$typed = $call('ValidateCertificate', ['SPSCertificate' => typedCertificate($issuerCountry, $typeCode, $number)]);
say('typed.acceptable', $typed->Acceptable);
foreach ($typed->Finding ?? [] as $finding) {
    say('typed.finding', $finding->Rule);
}
$translated = $typed->Translation->SPSCertificate;
say('typed.number', text($translated->SPSExchangedDocument->ID));
say('typed.import', text($translated->SPSConsignment->ImportSPSCountry->ID));
foreach ($translated->SPSConsignment->IncludedSPSConsignmentItem as $item) {
    foreach ($item->IncludedSPSTradeLineItem as $line) {
        if ((int) text($line->SequenceNumeric) === 1) {
            say('typed.description', text($line->Description[0]));
            say('typed.weight', text($line->NetWeightMeasure) . ' ' . $line->NetWeightMeasure->unitCode);
        }
    }
}

$sealed = file_get_contents($sealedFile); // SoapClient encodes base64Binary itself
$verdict = $call('ValidateCertificate', ['SealedDocument' => $sealed]);
say('sealed.acceptable', $verdict->Acceptable);
foreach ($verdict->Finding ?? [] as $finding) {
    say('sealed.finding', $finding->Rule);
}
say('sealed.indication', $verdict->SealVerdict->Indication);

$acknowledgement = $call('SubmitCertificate', ['SealedDocument' => $sealed])->SPSAcknowledgement->SPSAcknowledgementDocument;
say('acknowledged.status', text($acknowledgement->StatusCode));
say('acknowledged.document', text($acknowledgement->ReferenceSPSReferencedDocument[0]->ID));

$read = $call('GetCertificate', ['Document' => $document]);
say('read.status', $read->StatusCode);
say('read.masked', $read->Masked);
file_put_contents($answerFile, $read->SealedDocument);

try {
    $call('GetCertificate', ['Document' => ['ID' => "$number-UNKNOWN"] + $document]);
} catch (SoapFault $fault) {
    say('fault.code', $fault->detail->GatewayFault->Code);
    say('fault.retry', $fault->detail->GatewayFault->Retry);
}
