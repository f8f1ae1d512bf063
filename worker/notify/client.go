package notify

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Policy says whether a webhook may be sent to an address. The client asks it about each
// address that it connects to, after DNS.
type Policy func(netip.Addr) bool

// NewClient returns a client for webhooks. It follows no redirects and uses no proxy: the
// policy would see the proxy's address only.
func NewClient(allowed Policy) *http.Client { return newClient(allowed, nil) }

// newClient uses a resolver, nil for the system's.
func newClient(allowed Policy, resolver *net.Resolver) *http.Client {
	dialer := &net.Dialer{
		Timeout:  timeout,
		Resolver: resolver,
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("dial: %w", err)
			}
			if !allowed(to.Addr()) {
				return fmt.Errorf("dial: webhooks are not sent to %s", to.Addr())
			}
			return nil
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: timeout,
			ForceAttemptHTTP2:   true,
			IdleConnTimeout:     time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       timeout,
	}
}

// Loopback is the policy for a receiver on this machine.
func Loopback(address netip.Addr) bool { return address.Unmap().IsLoopback() }

// Public is the policy for receivers on the internet: no address that is special by one
// of IANA's registries, and so none of this host, its network or AWS's own services.
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
func Public(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	if !address.IsGlobalUnicast() {
		return false
	}
	for _, prefix := range special() {
		if prefix.Contains(address) {
			return false
		}
	}
	return true
}

// special returns the networks that are not public.
func special() (prefixes []netip.Prefix) {
	for _, prefix := range []string{
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // shared by the customers of a provider
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link-local, and metadata of cloud services
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // for protocols
		"192.0.2.0/24",    // documentation
		"192.88.99.0/24",  // relays from IPv6
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/3",     // multicast, reserved, broadcast
		"::/8",            // unspecified, loopback, and IPv4 in obsolete forms
		"64:ff9b::/96",    // translated to any IPv4 address
		"64:ff9b:1::/48",  // likewise
		"100::/63",        // discarded
		"2001::/23",       // for protocols, Teredo among them
		"2001:db8::/32",   // documentation
		"2002::/16",       // 6to4: has an IPv4 address in it
		"3fff::/20",       // documentation
		"5f00::/16",       // segment routing
		"fc00::/7",        // private
		"fe80::/9",        // link-local and site-local
		"ff00::/8",        // multicast
	} {
		prefixes = append(prefixes, netip.MustParsePrefix(prefix))
	}
	return prefixes
}
