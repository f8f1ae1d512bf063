package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/presize/presize/api"
	"github.com/presize/presize/deploy/template"
)

// gateway stands for API Gateway in front of the API: it adds the headers of CORS for the
// allowed origins, and checks tokens.
type gateway struct {
	next    http.Handler
	cors    template.CORSRule
	origins []string
	signIn  *signIn // nil if no token is required
}

func newGateway(ctx context.Context, settings settings, next http.Handler) (http.Handler, error) {
	cors, err := template.APICORS()
	if err != nil {
		return nil, err
	}
	signIn, err := newSignIn(ctx, settings.jwtIssuer, settings.jwtAudience)
	return gateway{next, cors, settings.allowedOrigins, signIn}, err
}

func (g gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w = &corsWriter{w, g, r}
	if g.signIn == nil || isOpen(r) {
		g.next.ServeHTTP(w, r)
		return
	}
	subject, err := g.signIn.subject(r)
	if err != nil { // answered as API Gateway does
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Www-Authenticate", "Bearer")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"message":"Unauthorized"}`)
		return
	}
	g.next.ServeHTTP(w, r.WithContext(api.WithSubject(r.Context(), subject)))
}

// corsWriter adds the headers to an answer as it leaves: the API sets its own before.
type corsWriter struct {
	http.ResponseWriter
	gateway gateway
	request *http.Request
}

func (w *corsWriter) WriteHeader(status int) {
	w.gateway.addCORS(w.Header(), w.request)
	w.ResponseWriter.WriteHeader(status)
}

func (g gateway) addCORS(header http.Header, r *http.Request) {
	origin := r.Header.Get("Origin")
	if !slices.Contains(g.origins, origin) {
		return
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Add("Vary", "Origin")
	if r.Method != http.MethodOptions {
		header.Set("Access-Control-Expose-Headers", strings.Join(g.cors.ExposedHeaders, ","))
		return
	}
	header.Set("Access-Control-Allow-Methods", strings.Join(g.cors.AllowedMethods, ","))
	header.Set("Access-Control-Allow-Headers", strings.Join(g.cors.AllowedHeaders, ","))
	header.Set("Access-Control-Max-Age", strconv.Itoa(int(g.cors.MaxAge)))
}

// isOpen reports whether a request needs no token: the routes of serverless.yml beside
// ANY and DELETE /api/{proxy+}.
func isOpen(r *http.Request) bool {
	switch r.Method + " " + r.URL.Path {
	case "GET /api/v1/presets", "GET /api/v1/openapi.yaml", "GET /api/v1/healthz":
		return true
	}
	return r.Method == http.MethodOptions
}

// signIn checks tokens as API Gateway's JWT authorizer does: signature by the issuer's
// keys, issuer, audience and time.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
type signIn struct {
	verifier  *oidc.IDTokenVerifier
	audiences []string
}

// newSignIn asks the issuer where its keys are. It returns nil without an issuer.
func newSignIn(ctx context.Context, issuer, audience string) (*signIn, error) {
	if issuer == "" {
		return nil, nil
	}
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, fmt.Errorf("PRESIZE_JWT_ISSUER=%s: %w", issuer, err)
	}
	// A token may be for several audiences, and several may be allowed, which the
	// verifier does not know. API Gateway takes RSA only.
	verifier := provider.Verifier(&oidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: []string{oidc.RS256, oidc.RS384, oidc.RS512}})
	return &signIn{verifier, strings.Split(audience, ",")}, nil
}

// subject returns whose token came with a request.
func (s *signIn) subject(r *http.Request) (string, error) {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return "", errors.New("no bearer token")
	}
	token, err := s.verifier.Verify(r.Context(), text)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(token.Audience, func(audience string) bool { return slices.Contains(s.audiences, audience) }) {
		return "", errors.New("the token is for another audience")
	}
	return token.Subject, nil
}
