package notify

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestOnlyPublicAddressesAreAllowed(t *testing.T) {
	for address, want := range map[string]bool{
		"1.1.1.1": true, "52.94.236.248": true, "172.15.0.1": true, "172.32.0.1": true, "100.63.0.1": true, "100.128.0.1": true,
		"2606:4700:4700::1111": true, "2a05:d014::1": true, "::ffff:1.1.1.1": true,

		"0.0.0.0": false, "127.0.0.1": false, "127.8.8.8": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.1.1": false, "169.254.169.254": false, "169.254.170.2": false, "100.64.0.1": false, "192.0.0.8": false, "192.0.2.1": false,
		"198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::7f00:1": false, "fe80::1": false,
		"fe80::1%eth0": false, "fec0::1": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false, "64:ff9b::7f00:1": false,
		"64:ff9b:1::a00:1": false, "2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false, "100::1": false,
	} {
		if got := Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}

func TestPublicClientReachesNothingOnThisMachine(t *testing.T) {
	r := receive(t, nil)
	port := r.URL[strings.LastIndex(r.URL, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433.example"} {
		client := newClient(Public, resolver(t, func() string { return "127.0.0.1" }))
		if response, err := client.Get("http://" + host + port); err == nil {
			response.Body.Close()
			t.Errorf("%s answered", host)
		} else if !strings.Contains(err.Error(), "webhooks are not sent to") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if got := len(r.received()); got != 0 {
		t.Errorf("%d deliveries", got)
	}
}

// The name's first address is allowed, and its second one is not: each connection is
// checked with the address that it goes to.
func TestRebindingOfANameReachesNothing(t *testing.T) {
	allowed := receive(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	port := allowed.URL[strings.LastIndex(allowed.URL, ":"):]
	listener, err := net.Listen("tcp", "127.0.0.2"+port)
	if err != nil {
		t.Fatal(err)
	}
	reached := false
	forbidden := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })}}
	forbidden.Start()
	t.Cleanup(forbidden.Close)

	var mu sync.Mutex
	address := "127.0.0.1"
	client := newClient(func(a netip.Addr) bool { return a == netip.MustParseAddr("127.0.0.1") }, resolver(t, func() string {
		mu.Lock()
		defer mu.Unlock()
		return address
	}))
	url := "http://backend.example" + port
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	mu.Lock()
	address = "127.0.0.2"
	mu.Unlock()
	if response, err := client.Get(url); err == nil {
		response.Body.Close()
		t.Error("the second address answered")
	}
	if reached || len(allowed.received()) != 1 {
		t.Errorf("reached %t, %d deliveries", reached, len(allowed.received()))
	}
}

// resolver asks a DNS server that gives every name the same address.
func resolver(t *testing.T, address func() string) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		packet := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(packet)
			if err != nil {
				return // closed
			}
			if answer, err := answerTo(packet[:n], netip.MustParseAddr(address())); err == nil {
				_, _ = server.WriteTo(answer, from) // the client asks again
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func answerTo(query []byte, address netip.Addr) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	for _, q := range m.Questions {
		if q.Type == dnsmessage.TypeA {
			header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: address.As4()}})
		}
	}
	return m.Pack()
}
