select
    set_config('onepicture.actor', $1, true),
    set_config('onepicture.person', $2, true),
    set_config('onepicture.site', $3, true),
    set_config('onepicture.event', $4, true),
    set_config('onepicture.alert', $5, true),
    set_config('onepicture.attends', $6, true),
    set_config('onepicture.owned_all', $7, true),
    set_config('onepicture.owned_in', $8, true),
    set_config('onepicture.owned_bits', $9, true)
