import interop.generated.*;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.xml.ws.Binding;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.handler.Handler;

/** A client of the classes that wsimport made from the published WSDL; see ../README.md for arguments and output. */
public final class Client {
    private Client() {}

    public static void main(String[] arguments) throws Exception {
        String[] identity = arguments[2].split("/");
        CertificateExchangeService service = new CertificateExchangeService(new URL(arguments[0]));
        CertificateExchange port = arguments[5].equals("1.2")
                ? service.getCertificateExchangeSoap12()
                : service.getCertificateExchangeSoap11();
        Binding binding = ((BindingProvider) port).getBinding();
        @SuppressWarnings("rawtypes")
        List<Handler> handlers = binding.getHandlerChain();
        handlers.add(new SecurityHandler(arguments[1], System.getenv("IMSOC_SECRET")));
        binding.setHandlerChain(handlers);

        validateTyped(port, identity);
        byte[] sealed = Files.readAllBytes(Path.of(arguments[3]));
        validateSealed(port, sealed);
        submit(port, sealed);
        Files.write(Path.of(arguments[4]), read(port, identity, ""));
        try {
            read(port, identity, "-UNKNOWN");
        } catch (GatewayFault fault) {
            say("fault.code", fault.getFaultInfo().getCode());
            say("fault.retry", fault.getFaultInfo().getRetry().value());
        }
    }

    private static void validateTyped(CertificateExchange port, String[] identity) throws GatewayFault {
        ValidateCertificateRequestType request = new ValidateCertificateRequestType();
        request.setSPSCertificate(TypedCertificate.of(identity[0], identity[1], identity[2] + "-TYPED"));
        ValidateCertificateResponseType answer = port.validateCertificate(request);
        say("typed.acceptable", answer.isAcceptable());
        answer.getFinding().forEach(finding -> say("typed.finding", finding.getRule()));
        SPSCertificateType translated = answer.getTranslation().getSPSCertificate();
        say("typed.number", translated.getSPSExchangedDocument().getID().getValue());
        say("typed.import", translated.getSPSConsignment().getImportSPSCountry().getID().getValue());
        for (SPSConsignmentItemType item : translated.getSPSConsignment().getIncludedSPSConsignmentItem()) {
            for (SPSTradeLineItemType line : item.getIncludedSPSTradeLineItem()) {
                if (line.getSequenceNumeric().getValue().intValueExact() == 1) {
                    say("typed.description", line.getDescription().get(0).getValue());
                    MeasureType weight = line.getNetWeightMeasure();
                    say("typed.weight", weight.getValue().toPlainString() + " " + weight.getUnitCode());
                }
            }
        }
    }

    private static void validateSealed(CertificateExchange port, byte[] sealed) throws GatewayFault {
        ValidateCertificateRequestType request = new ValidateCertificateRequestType();
        request.setSealedDocument(sealed);
        ValidateCertificateResponseType answer = port.validateCertificate(request);
        say("sealed.acceptable", answer.isAcceptable());
        answer.getFinding().forEach(finding -> say("sealed.finding", finding.getRule()));
        say("sealed.indication", answer.getSealVerdict().getIndication().value());
    }

    private static void submit(CertificateExchange port, byte[] sealed) throws GatewayFault {
        SubmitCertificateRequestType request = new SubmitCertificateRequestType();
        request.setSealedDocument(sealed);
        SPSAcknowledgementDocumentType acknowledgement =
                port.submitCertificate(request).getSPSAcknowledgement().getSPSAcknowledgementDocument();
        say("acknowledged.status", acknowledgement.getStatusCode().getValue());
        say("acknowledged.document",
                acknowledgement.getReferenceSPSReferencedDocument().get(0).getID().getValue());
    }

    private static byte[] read(CertificateExchange port, String[] identity, String suffix) throws GatewayFault {
        DocumentIdentityType document = new DocumentIdentityType();
        document.setIssuerCountry(identity[0]);
        document.setTypeCode(identity[1]);
        document.setID(identity[2] + suffix);
        GetCertificateRequestType request = new GetCertificateRequestType();
        request.setDocument(document);
        GetCertificateResponseType answer = port.getCertificate(request);
        say("read.status", answer.getStatusCode());
        say("read.masked", answer.isMasked());
        return answer.getSealedDocument();
    }

    private static void say(String key, Object value) {
        System.out.println(key + "=" + value);
    }
}
