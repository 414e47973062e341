select
    set_config('onepicture.actor', $1, true),
    set_config('onepicture.person', $2, true),
    set_config('onepicture.site', $3, true),
    set_config('onepicture.event', $4, true),
    set_config('onepicture.alert', $5, true)
