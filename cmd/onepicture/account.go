package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/account"
	"onepicture/layers/ledger"
	"onepicture/layers/store"
)

// accountCmd is for the case that nobody can get in, and for scripts. It works on the database itself: who may run it
// there may do everything.
type accountCmd struct {
	List    accountListCmd    `cmd:"" help:"List accounts with what is granted to them."`
	Create  accountCreateCmd  `cmd:"" help:"Make an account, and print a one-time link by which its holder sets a password."`
	Link    accountLinkCmd    `cmd:"" help:"Print a one-time link for an account; links before it become void."`
	Disable accountDisableCmd `cmd:"" help:"End an account's sessions and let it begin none."`
	Enable  accountEnableCmd  `cmd:"" help:"Let an account sign in again."`
	Grant   accountGrantCmd   `cmd:"" help:"Give an account a role on a place."`
	Revoke  accountRevokeCmd  `cmd:"" help:"End a grant."`
	Expect  accountExpectCmd  `cmd:"" help:"Say whom an account is at the sign-in provider, so that they can come in by it."`
	Forget  accountForgetCmd  `cmd:"" help:"Let nobody come in to an account by the sign-in provider."`
	Key     accountKeyCmd     `cmd:"" help:"Make, list, rotate and revoke service keys of other systems."`
}

// console is who acts on the command line.
const console = "console"

// accountFlags are what all of them need.
type accountFlags struct {
	dataFlags
	Address string `help:"Address of the server as people open it, for links." default:"http://127.0.0.1:8080" env:"ONEPICTURE_ADDRESS" placeholder:"URL"`
}

// accountDesk is the accounts of the database, with the places that are granted on.
type accountDesk struct {
	*account.Accounts
	tree      *layers.Tree
	catalogue *layers.Catalogue
	zone      *time.Location
}

func (f accountFlags) with(ctx context.Context, do func(context.Context, accountDesk) error) error {
	return withDatabase(ctx, f.dataFlags, "onepicture account", func(ctx context.Context, pool *pgxpool.Pool) error {
		w, err := store.ReadWorld(ctx, pool, false)
		if err != nil {
			return err
		}
		a := account.New(pool, ledger.New(pool), account.Options{Tree: func() *layers.Tree { return w.Tree }})
		return do(ctx, accountDesk{a, w.Tree, w.Catalogue, w.Deployment.Zone})
	})
}

// place is that of a code; 0, everywhere, for none.
func (d accountDesk) place(code string) (layers.PlaceID, error) {
	if code == "" {
		return 0, nil
	}
	p := d.tree.ByCode(code)
	if p == nil {
		return 0, fmt.Errorf("there is no place %q today", code)
	}
	return p.ID, nil
}

// department is that of a code; 0 for none.
func (d accountDesk) department(code string) (int16, error) {
	if code == "" {
		return 0, nil
	}
	known := d.catalogue.DepartmentByCode(code)
	if known == nil {
		return 0, fmt.Errorf("there is no department %q in the catalogue", code)
	}
	return known.ID, nil
}

// end is the end of the day given, in the deployment's zone; zero for none.
func (d accountDesk) end(date string) (time.Time, error) {
	if date == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, date, d.zone)
	if err != nil {
		return t, fmt.Errorf("%q is no date such as 2026-12-31", date)
	}
	return t.AddDate(0, 0, 1), nil
}

// at names a place and an end.
func (d accountDesk) at(place layers.PlaceID, until time.Time) string {
	text := "everywhere"
	if place != 0 {
		text = fmt.Sprintf("place %d, which is no more", place)
		if p := d.tree.Place(place); p != nil {
			text = p.Code + " " + p.Name
		}
	}
	if !until.IsZero() {
		text += until.In(d.zone).Format(" until 2006-01-02 15:04")
	}
	return text
}

// printLink makes a new link for an account and prints it.
func (f accountFlags) printLink(ctx context.Context, d accountDesk, id int64) error {
	t, err := d.Link(ctx, console, id)
	return printed(strings.TrimSuffix(f.Address, "/")+"/sign-in#link="+string(t), err)
}

// printed prints what was made, once.
func printed(text string, err error) error {
	if err == nil {
		fmt.Println(text)
	}
	return err
}

type accountListCmd struct {
	accountFlags
	Text string `arg:"" optional:"" help:"Only those whose names hold it."`
}

// Run prints a line an account and a line a grant.
func (c *accountListCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, d accountDesk) error {
		for after := ""; ; {
			list, err := d.List(ctx, c.Text, after, 500)
			if err != nil || len(list) == 0 {
				return err
			}
			for i := range list {
				if err := d.print(ctx, &list[i]); err != nil {
					return err
				}
			}
			after = list[len(list)-1].Name
		}
	})
}

func (d accountDesk) print(ctx context.Context, l *account.Listing) error {
	known, err := d.Identities(ctx, l.ID)
	if err != nil {
		return err
	}
	var notes []string
	for _, n := range []struct {
		is   bool
		text string
	}{{l.Disabled, "disabled"}, {l.Demo, "sample"}, {!l.Password, "without a password"}, {l.Failed > 0, fmt.Sprintf("%d failed tries", l.Failed)}} {
		if n.is {
			notes = append(notes, n.text)
		}
	}
	fmt.Printf("%-20s %-8s %s  %s\n", l.Name, account.Actor(l.ID), l.Display, strings.Join(notes, ", "))
	for _, g := range l.Grants {
		fmt.Printf("    grant %-6d %-20s %s, by %s: %s\n", g.ID, g.Role, d.at(g.Place, g.Until), g.By, g.Reason)
	}
	for _, i := range known {
		fmt.Printf("    expects %q, subject %q, at %s\n", i.Name, i.Subject, i.Issuer)
	}
	return nil
}

type accountCreateCmd struct {
	accountFlags
	Name      string `arg:"" help:"To sign in with."`
	Display   string `help:"Name to show; default: the same." placeholder:"NAME"`
	DisplayEn string `help:"The same in English." placeholder:"NAME"`
}

// Run makes it and prints its link.
func (c *accountCreateCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, d accountDesk) error {
		n := account.Named{Name: c.Name, Display: c.Display, DisplayEn: c.DisplayEn}
		if n.Display == "" {
			n.Display = n.Name
		}
		id, err := d.Create(ctx, console, n)
		if err != nil {
			return err
		}
		return c.printLink(ctx, d, id)
	})
}

// oneAccount is a command about one account.
type oneAccount struct {
	accountFlags
	Name string `arg:"" help:"Sign-in name."`
}

func (c oneAccount) run(ctx context.Context, do func(context.Context, accountDesk, int64) error) error {
	return c.with(ctx, func(ctx context.Context, d accountDesk) error {
		l, err := d.Named(ctx, c.Name)
		if err != nil {
			return err
		}
		return do(ctx, d, l.ID)
	})
}

type accountLinkCmd struct{ oneAccount }

// Run prints it.
func (c *accountLinkCmd) Run(ctx context.Context) error {
	return c.run(ctx, c.printLink)
}

type accountDisableCmd struct{ oneAccount }

// Run disables it.
func (c *accountDisableCmd) Run(ctx context.Context) error {
	return c.run(ctx, func(ctx context.Context, d accountDesk, id int64) error { return d.Disable(ctx, console, id) })
}

type accountEnableCmd struct{ oneAccount }

// Run enables it.
func (c *accountEnableCmd) Run(ctx context.Context) error {
	return c.run(ctx, func(ctx context.Context, d accountDesk, id int64) error { return d.Enable(ctx, console, id) })
}

type accountGrantCmd struct {
	oneAccount
	Role       string `arg:"" help:"wall, grid_worker, clerk, town_duty, department_officer, city_duty, analyst, data_steward, auditor or administrator."`
	Place      string `arg:"" optional:"" help:"Code of the place; none: everywhere."`
	Department string `help:"Code of the department, for department_officer." placeholder:"CODE"`
	Until      string `help:"Last day." placeholder:"DATE"`
	Reason     string `help:"Why." default:"on the command line" placeholder:"TEXT"`
}

// Run grants it.
func (c *accountGrantCmd) Run(ctx context.Context) error {
	return c.run(ctx, func(ctx context.Context, d accountDesk, id int64) error {
		place, err := d.place(c.Place)
		if err != nil {
			return err
		}
		department, err := d.department(c.Department)
		if err != nil {
			return err
		}
		until, err := d.end(c.Until)
		if err != nil {
			return err
		}
		grant, err := d.Grant(ctx, console, id, account.Grant{Role: account.Role(c.Role), Place: place, Department: department, Until: until}, c.Reason)
		if err == nil {
			fmt.Printf("grant %d: %s, %s\n", grant, c.Role, d.at(place, until))
		}
		return err
	})
}

type accountRevokeCmd struct {
	accountFlags
	Grant  int64  `arg:"" help:"Number of the grant, as list prints it."`
	Reason string `help:"Why." default:"on the command line" placeholder:"TEXT"`
}

// Run revokes it.
func (c *accountRevokeCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, d accountDesk) error { return d.Revoke(ctx, console, c.Grant, c.Reason) })
}

type accountKeyCmd struct {
	List   keyListCmd   `cmd:"" help:"List service keys."`
	Create keyCreateCmd `cmd:"" help:"Make a service key and print it; it is shown once."`
	Rotate keyTurnCmd   `cmd:"" help:"Make a key in the place of another, which ends a day later, and print it."`
	Revoke keyRevokeCmd `cmd:"" help:"End a key at once."`
}

type keyListCmd struct{ accountFlags }

// Run prints a line a key.
func (c *keyListCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, d accountDesk) error {
		list, err := d.Keys(ctx)
		for _, k := range list {
			state := "never used"
			if !k.Used.IsZero() {
				state = k.Used.In(d.zone).Format("used 2006-01-02 15:04")
			}
			if !k.Revoked.IsZero() {
				state = "revoked"
			}
			fmt.Printf("%-6d %s  %-20s %s, %s: %s\n", k.ID, k.Prefix, k.Grant.Role, d.at(k.Grant.Place, k.Expires), state, k.Title)
		}
		return err
	})
}

type keyCreateCmd struct {
	accountFlags
	Title      string `arg:"" help:"Which system it is for."`
	Role       string `arg:"" help:"wall, town_duty, department_officer, city_duty, analyst or data_steward."`
	Place      string `arg:"" optional:"" help:"Code of the place; none: everywhere."`
	Department string `help:"Code of the department, for department_officer." placeholder:"CODE"`
	Days       int    `help:"How long it holds, at most 400." default:"90"`
}

// Run prints it.
func (c *keyCreateCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, d accountDesk) error {
		place, err := d.place(c.Place)
		if err != nil {
			return err
		}
		department, err := d.department(c.Department)
		if err != nil {
			return err
		}
		_, text, err := d.CreateKey(ctx, console, account.NewKey{Title: c.Title, Role: account.Role(c.Role), Place: place, Department: department, Expires: inDays(c.Days)})
		return printed(text, err)
	})
}

type keyTurnCmd struct {
	accountFlags
	Key  int64 `arg:"" help:"Number of the key, as list prints it."`
	Days int   `help:"How long the new one holds, at most 400." default:"90"`
}

// Run prints the new one.
func (c *keyTurnCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, d accountDesk) error {
		_, text, err := d.RotateKey(ctx, console, c.Key, 24*time.Hour, inDays(c.Days))
		return printed(text, err)
	})
}

type keyRevokeCmd struct {
	accountFlags
	Key int64 `arg:"" help:"Number of the key, as list prints it."`
}

// Run revokes it.
func (c *keyRevokeCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, d accountDesk) error { return d.RevokeKey(ctx, console, c.Key) })
}

func inDays(n int) time.Time { return time.Now().AddDate(0, 0, n) }
