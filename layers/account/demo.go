package account

import (
	"context"
	"fmt"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	centralSQL      = sql.Text("account/central.sql")
	demoAccountsSQL = sql.Text("account/demo_accounts.sql")
)

// DemoPassword is the password of all sample accounts. Everybody is told it, and only demo mode takes it.
const DemoPassword = "look-at-one-map"

// sample is an account that demo mode makes.
type sample struct {
	Named
	role  Role
	place sampled
}

// sampled names where a sample account stands.
type sampled uint8

const (
	everywhere sampled = iota
	centralTown
	centralVillage
	centralGrid
	nextGrid
)

// samples are one account a role, and a second worker beside the first.
var samples = []sample{
	{Named{"wall", "指挥大屏", "Command wall"}, Wall, everywhere},
	{Named{"worker", "网格员 陈一", "Grid worker Chen"}, GridWorker, centralGrid},
	{Named{"worker2", "网格员 李二", "Grid worker Li"}, GridWorker, nextGrid},
	{Named{"clerk", "社区专员 黄三", "Clerk Huang"}, Clerk, centralVillage},
	{Named{"townduty", "镇值班员 何四", "Town duty officer He"}, TownDuty, centralTown},
	{Named{"officer", "部门专员 叶五", "Department officer Ye"}, DepartmentOfficer, everywhere},
	{Named{"cityduty", "市值班员 卢六", "City duty officer Lu"}, CityDuty, everywhere},
	{Named{"analyst", "分析员 王七", "Analyst Wang"}, Analyst, everywhere},
	{Named{"steward", "数据管理员 张八", "Data steward Zhang"}, DataSteward, everywhere},
	{Named{"auditor", "审计员 刘九", "Auditor Liu"}, Auditor, everywhere},
	{Named{"admin", "系统管理员 林十", "Administrator Lin"}, Administrator, everywhere},
}

// PutDemo makes the sample accounts once: the workers on two neighbouring grids of the village with the most people,
// the clerk on that village, the town's officer on its town, the department's officer for the one that looks after the
// streets.
func (a *Accounts) PutDemo(ctx context.Context) error {
	act := ledger.Act{Actor: "demo", Reason: "sample accounts", ClientKey: "demo:accounts"}
	_, err := a.ledger.Write(ctx, act, func(tx *ledger.Tx) error {
		var at [nextGrid + 1]layers.PlaceID
		var department int16
		if err := tx.QueryRow(ctx, centralSQL).Scan(&at[centralTown], &at[centralVillage], &at[centralGrid], &at[nextGrid], &department); err != nil {
			return fmt.Errorf("find the city's centre: %w", err)
		}
		for _, s := range samples {
			hash, err := a.hasher.stretch(ctx, DemoPassword)
			if err != nil {
				return err
			}
			id, err := a.create(ctx, tx, "demo", s.Named, hash, true)
			if err != nil {
				return err
			}
			g := Grant{Role: s.role, Place: at[s.place]}
			if RuleOf(s.role).Departmental() {
				g.Department = department
			}
			if _, err := a.grant(ctx, tx, "demo", id, g, "sample"); err != nil {
				return err
			}
			if err := changed(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("make the sample accounts: %w", err)
	}
	return nil
}

// Sample is a sample account as the sign-in page offers it.
type Sample struct {
	Name, Display, DisplayEn string
	Rule                     *Rule
	Place                    layers.PlaceID // 0: everywhere
	Department               int16          // 0: none
}

// Samples are the sample accounts; none outside of demo mode.
func (a *Accounts) Samples(ctx context.Context) ([]Sample, error) {
	if !a.Demo {
		return nil, nil
	}
	rows, err := a.pool.Query(ctx, demoAccountsSQL)
	if err != nil {
		return nil, ledger.Problem("account", err)
	}
	defer rows.Close()
	var out []Sample
	for rows.Next() {
		var s Sample
		var role Role
		if err := rows.Scan(&s.Name, &s.Display, &s.DisplayEn, &role, &s.Place, &s.Department); err != nil {
			return nil, ledger.Problem("account", err)
		}
		if s.Rule = RuleOf(role); s.Rule != nil {
			out = append(out, s)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, ledger.Problem("account", err)
	}
	return out, nil
}
