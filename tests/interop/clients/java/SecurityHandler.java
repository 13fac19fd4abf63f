import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Set;
import javax.xml.namespace.QName;
import javax.xml.soap.SOAPElement;
import javax.xml.soap.SOAPHeader;
import javax.xml.soap.SOAPHeaderElement;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.handler.soap.SOAPHandler;
import javax.xml.ws.handler.soap.SOAPMessageContext;

/** Adds WS-Security to every request: Timestamp and UsernameToken with PasswordDigest and a fresh nonce. */
final class SecurityHandler implements SOAPHandler<SOAPMessageContext> {
    private static final String OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-";
    private static final String WSSE = OASIS + "wssecurity-secext-1.0.xsd";
    private static final String WSU = OASIS + "wssecurity-utility-1.0.xsd";
    private static final QName SECURITY = new QName(WSSE, "Security", "wsse");

    private final String username;
    private final String secret;
    private final SecureRandom random = new SecureRandom();

    SecurityHandler(String username, String secret) {
        this.username = username;
        this.secret = secret;
    }

    @Override
    public boolean handleMessage(SOAPMessageContext context) {
        if (!(Boolean) context.get(MessageContext.MESSAGE_OUTBOUND_PROPERTY)) {
            return true;
        }
        try {
            SOAPHeader header = context.getMessage().getSOAPHeader();
            if (header == null) {
                header = context.getMessage().getSOAPPart().getEnvelope().addHeader();
            }
            SOAPHeaderElement security = header.addHeaderElement(SECURITY);
            security.setMustUnderstand(true);
            Instant now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
            SOAPElement timestamp = security.addChildElement("Timestamp", "wsu", WSU);
            timestamp.addChildElement("Created", "wsu").addTextNode(now.toString());
            timestamp.addChildElement("Expires", "wsu").addTextNode(now.plusSeconds(60).toString());
            byte[] nonce = new byte[16];
            random.nextBytes(nonce);
            MessageDigest digest = MessageDigest.getInstance("SHA-1");
            digest.update(nonce);
            digest.update(now.toString().getBytes(StandardCharsets.UTF_8));
            byte[] password = digest.digest(secret.getBytes(StandardCharsets.UTF_8));
            SOAPElement token = security.addChildElement("UsernameToken", "wsse");
            token.addChildElement("Username", "wsse").addTextNode(username);
            encoded(token, "Password", password)
                    .addAttribute(new QName("Type"), OASIS + "username-token-profile-1.0#PasswordDigest");
            encoded(token, "Nonce", nonce)
                    .addAttribute(new QName("EncodingType"), OASIS + "soap-message-security-1.0#Base64Binary");
            token.addChildElement("Created", "wsu", WSU).addTextNode(now.toString());
            return true;
        } catch (Exception failure) {
            throw new IllegalStateException(failure);
        }
    }

    private static SOAPElement encoded(SOAPElement parent, String name, byte[] value) throws Exception {
        return parent.addChildElement(name, "wsse").addTextNode(Base64.getEncoder().encodeToString(value));
    }

    @Override
    public boolean handleFault(SOAPMessageContext context) {
        return true;
    }

    @Override
    public void close(MessageContext context) {
        // nothing is held
    }

    @Override
    public Set<QName> getHeaders() {
        return Set.of(SECURITY);
    }
}
