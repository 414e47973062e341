package main

import (
	"context"
	"errors"
	"strings"

	"onepicture/layers/account"
)

// providerFlags say at which other server people may prove who they are.
type providerFlags struct {
	Address    string `help:"Address of this server as people open it; the sign-in provider sends them back there." env:"ONEPICTURE_ADDRESS" placeholder:"URL"`
	OIDCIssuer string `name:"oidc-issuer" help:"Sign-in provider (OpenID Connect): its issuer, such as https://id.example. Only accounts that expect somebody there are opened by it." env:"ONEPICTURE_OIDC_ISSUER" placeholder:"URL"`
	OIDCClient string `name:"oidc-client" help:"This server's client id at the provider." env:"ONEPICTURE_OIDC_CLIENT" placeholder:"ID"`
	OIDCSecret string `name:"oidc-secret" help:"Its secret; better by ONEPICTURE_OIDC_SECRET_FILE." env:"ONEPICTURE_OIDC_SECRET" placeholder:"SECRET"`
	OIDCClaim  string `name:"oidc-claim" help:"Claim that holds the name by which accounts expect somebody: preferred_username, email …; none: by subject alone." env:"ONEPICTURE_OIDC_CLAIM" placeholder:"NAME"`
	OIDCTitle  string `name:"oidc-title" help:"What people call the provider, on the sign-in page." default:"统一身份认证" env:"ONEPICTURE_OIDC_TITLE" placeholder:"TEXT"`
}

// provider is nil when none is named.
func (f providerFlags) provider() (*account.Provider, error) {
	if f.OIDCIssuer == "" {
		if f.OIDCClient != "" {
			return nil, errors.New("--oidc-client belongs to --oidc-issuer")
		}
		return nil, nil
	}
	if f.Address == "" {
		return nil, errors.New("--oidc-issuer needs --address: the provider sends people back there")
	}
	return account.NewProvider(account.ProviderOptions{
		Issuer: f.OIDCIssuer, ClientID: f.OIDCClient, Secret: f.OIDCSecret, Claim: f.OIDCClaim, Title: f.OIDCTitle,
		Return: strings.TrimSuffix(f.Address, "/") + "/sign-in/return",
	})
}

// issuerFlag names the provider on the command line.
type issuerFlag struct {
	Issuer string `help:"The provider's issuer." env:"ONEPICTURE_OIDC_ISSUER" placeholder:"URL" required:""`
}

type accountExpectCmd struct {
	oneAccount
	issuerFlag
	At      string `arg:"" optional:"" help:"Name at the provider, as the claim tells it; the first who comes by it is bound to it."`
	Subject string `help:"Subject at the provider, when it is known: surer than a name." placeholder:"TEXT"`
}

// Run links them.
func (c *accountExpectCmd) Run(ctx context.Context) error {
	return c.run(ctx, func(ctx context.Context, d accountDesk, id int64) error {
		return d.Expect(ctx, console, id, account.Identity{Issuer: c.Issuer, Subject: c.Subject, Name: c.At})
	})
}

type accountForgetCmd struct {
	oneAccount
	issuerFlag
}

// Run unlinks them.
func (c *accountForgetCmd) Run(ctx context.Context) error {
	return c.run(ctx, func(ctx context.Context, d accountDesk, id int64) error { return d.Forget(ctx, console, id, c.Issuer) })
}
