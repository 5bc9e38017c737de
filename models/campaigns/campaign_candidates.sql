{% set audiences = [
    'audience_win_back_email',
    'audience_welcome_email',
    'audience_birthday_email',
    'audience_vip_thank_you_letter',
    'audience_coupon_lovers_email',
    'audience_points_expiring_email',
    'audience_weekend_reminder_sms',
    'audience_own_brand_letter',
    'audience_store_news_email',
] %}

with

due as (

    select * from {{ ref('campaigns_due') }}

),

wanted as (

    {% for audience in audiences %}
    select campaign_id, customer_id, because from {{ ref(audience) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select
        -- keys
        wanted.campaign_id,
        wanted.customer_id,

        -- descriptive
        due.channel,
        wanted.because,

        -- numbers
        due.priority,
        due.duration_days,
        due.control_percent,

        -- times
        due.occurrence_date

    from wanted
    inner join due using (campaign_id)

)

select * from final
